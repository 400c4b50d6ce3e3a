/* What the truth server can be told on its command line. */
#pragma once
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
    int64_t ttft_ns, gap_ns;
    long tokens, padding_bytes;
    int port, core; /* core -1: not pinned */
    const char *certificate; /* a file with key and certificates: TLS; NULL: none */
    bool synchronised; /* all streams' tokens at the same instants, as a batching engine */
} options = {.ttft_ns = 50000000, .gap_ns = 20000000, .tokens = 64};

static void read_options(int count, char **values) {
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},   {"ttft-ms", required_argument, NULL, 't'},
        {"gap-ms", required_argument, NULL, 'g'}, {"tokens", required_argument, NULL, 'n'},
        {"bytes", required_argument, NULL, 'b'},  {"core", required_argument, NULL, 'c'},
        {"synchronised", no_argument, NULL, 's'}, {"certificate", required_argument, NULL, 'k'},
        {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(count, values, "", known, NULL)) != -1;) {
        switch (option) {
            case 'p': options.port = atoi(optarg); break;
            case 't': options.ttft_ns = (int64_t)(atof(optarg) * 1e6); break;
            case 'g': options.gap_ns = (int64_t)(atof(optarg) * 1e6); break;
            case 'n': options.tokens = atol(optarg); break;
            case 'b': options.padding_bytes = atol(optarg); break;
            case 'c': options.core = atoi(optarg); break;
            case 'k': options.certificate = optarg; break;
            case 's': options.synchronised = true; break;
            default: exit(2);
        }
    }
    if (options.tokens < 1 || options.ttft_ns < 0 || options.gap_ns < 0 ||
        options.padding_bytes < 0) {
        fprintf(stderr, "truth_server: expected --tokens of 1 or more and no negative number\n");
        exit(2);
    }
}
