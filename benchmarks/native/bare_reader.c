/* The physical limit: an epoll reader that keeps N streams open, receives, and stamps each token
 * with its own clock as soon as it has been read. It looks for nothing in an event but the
 * server's stamp. Every connection starts its next request when the last one has ended.
 *
 * Usage: bare_reader PORT STREAMS PERIOD_MS SECONDS FILE
 * The first requests are spread over PERIOD_MS; then the window of SECONDS is measured. Writes the
 * exchanges to FILE (see benchmarks/exchanges.py) and one line of JSON to standard output. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

#define MARGIN_NS 300000000
#define DRAIN_NS 10000000000

struct numbers {
    int64_t *at;
    size_t length, capacity;
};

struct stream {
    int fd;
    bool busy;
    char *in;
    size_t in_bytes, in_capacity;
    int64_t start_ns, read_ns;
    struct numbers stamps; /* arrival, sent, arrival, sent, … of the exchange in flight */
};

static struct numbers log_;
static struct stream *streams;
static int busy;
static bool stopping;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void append(struct numbers *numbers, int64_t number) {
    if (numbers->length == numbers->capacity) {
        numbers->capacity = numbers->capacity ? 2 * numbers->capacity : 128;
        numbers->at = realloc(numbers->at, numbers->capacity * sizeof *numbers->at);
        if (!numbers->at) die("realloc");
    }
    numbers->at[numbers->length++] = number;
}

static void start(struct stream *s) {
    static const char body[] =
        "{\"model\":\"truth\",\"messages\":[{\"role\":\"user\",\"content\":\"When?\"}],"
        "\"stream\":true,\"stream_options\":{\"include_usage\":true}}";
    static char request[512];
    if (!*request)
        snprintf(request, sizeof request,
                 "POST /v1/chat/completions HTTP/1.1\r\nhost: truth\r\n"
                 "content-type: application/json\r\ncontent-length: %zu\r\n\r\n%s",
                 sizeof body - 1, body);
    s->start_ns = monotonic_ns();
    s->read_ns = 0;
    s->stamps.length = 0;
    s->busy = true;
    busy++;
    if (send(s->fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request))
        die("send");
}

static void finish(struct stream *s) {
    append(&log_, s->start_ns);
    append(&log_, s->read_ns);
    append(&log_, (int64_t)s->stamps.length / 2);
    for (size_t i = 0; i < s->stamps.length; i++) append(&log_, s->stamps.at[i]);
    s->busy = false;
    busy--;
    if (!stopping) start(s);
}

static void line(struct stream *s, const char *text, size_t bytes, int64_t arrival_ns) {
    static const char key[] = "\"content\":\"";
    if (bytes == 2 && !memcmp(text, "0\r", 2)) finish(s); /* the last chunk's head */
    if (bytes < 6 || memcmp(text, "data: ", 6)) return;
    const char *content = memmem(text, bytes, key, sizeof key - 1);
    if (!content || content[sizeof key - 1] == '"') return;
    char *end;
    int64_t stamp = strtoll(content + sizeof key - 1, &end, 10);
    if (*end == ':') {
        s->read_ns = stamp;
        stamp = strtoll(end + 1, &end, 10);
    }
    append(&s->stamps, arrival_ns);
    append(&s->stamps, stamp);
}

static void receive(struct stream *s) {
    if (s->in_capacity - s->in_bytes < 16384) {
        s->in_capacity += 16384;
        s->in = realloc(s->in, s->in_capacity);
        if (!s->in) die("realloc");
    }
    ssize_t bytes = recv(s->fd, s->in + s->in_bytes, s->in_capacity - s->in_bytes, MSG_DONTWAIT);
    int64_t arrival_ns = monotonic_ns();
    if (bytes < 0 && errno == EAGAIN) return;
    if (bytes <= 0) die("recv");
    s->in_bytes += (size_t)bytes;
    char *from = s->in, *end = s->in + s->in_bytes, *newline;
    while ((newline = memchr(from, '\n', (size_t)(end - from)))) {
        line(s, from, (size_t)(newline - from), arrival_ns);
        from = newline + 1;
    }
    s->in_bytes = (size_t)(end - from);
    if (s->in_bytes) memmove(s->in, from, s->in_bytes);
}

static int connected(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static double cpu_s(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* Resident memory from /proc/self/status: the field VmRSS or, the highest so far, VmHWM. (The
 * ru_maxrss of getrusage would remember the process that this one was started from.) */
static long memory_bytes(const char *field) {
    char text[128];
    long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    if (!status) die("/proc/self/status");
    while (fgets(text, sizeof text, status))
        if (!strncmp(text, field, strlen(field))) kib = strtol(text + strlen(field) + 1, NULL, 10);
    fclose(status);
    return kib * 1024;
}

/* Waits for what comes until `until_ns`, at most, and reads it. */
static void poll_until(int epoll_fd, int64_t until_ns) {
    struct epoll_event seen[256];
    int64_t left_ns = until_ns - monotonic_ns();
    int count = epoll_wait(epoll_fd, seen, 256, left_ns <= 0 ? 0 : (int)(left_ns / 1000000) + 1);
    for (int i = 0; i < count; i++) receive(seen[i].data.ptr);
}

int main(int count, char **values) {
    if (count != 6) {
        fprintf(stderr, "usage: bare_reader PORT STREAMS PERIOD_MS SECONDS FILE\n");
        return 2;
    }
    int port = atoi(values[1]), wanted = atoi(values[2]), epoll_fd = epoll_create1(0);
    int64_t period_ns = (int64_t)(atof(values[3]) * 1e6), window_ns = (int64_t)(atof(values[4]) * 1e9);
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    long rss_before_bytes = memory_bytes("VmRSS");
    streams = calloc((size_t)wanted, sizeof *streams);
    for (int i = 0; i < wanted; i++) {
        struct epoll_event interest = {.events = EPOLLIN, .data.ptr = &streams[i]};
        streams[i].fd = connected(port);
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, streams[i].fd, &interest);
    }
    int64_t go_ns = monotonic_ns();
    for (int i = 0; i < wanted; i++) {
        int64_t turn_ns = go_ns + period_ns * i / wanted;
        while (monotonic_ns() < turn_ns) poll_until(epoll_fd, turn_ns);
        start(&streams[i]);
    }
    int64_t open_ns = go_ns + period_ns + MARGIN_NS;
    while (monotonic_ns() < open_ns) poll_until(epoll_fd, open_ns);
    double cpu_at_open_s = cpu_s();
    open_ns = monotonic_ns();
    int64_t close_ns = open_ns + window_ns;
    while (monotonic_ns() < close_ns) poll_until(epoll_fd, close_ns);
    double used_s = cpu_s() - cpu_at_open_s;
    close_ns = monotonic_ns();
    stopping = true;
    while (busy && monotonic_ns() < close_ns + DRAIN_NS) poll_until(epoll_fd, close_ns + DRAIN_NS);
    long rss_bytes = memory_bytes("VmHWM");
    FILE *file = fopen(values[5], "wb");
    if (!file || fwrite(log_.at, sizeof *log_.at, log_.length, file) != log_.length || fclose(file))
        die(values[5]);
    printf("{\"open_ns\":%ld,\"close_ns\":%ld,\"cpu_s\":%.6f,\"children_cpu_s\":{},"
           "\"rss_before_bytes\":%ld,\"rss_bytes\":%ld,\"kept_bytes\":%zu,\"failed\":%d,"
           "\"notes\":{}}\n",
           (long)open_ns, (long)close_ns, used_s, rss_before_bytes, rss_bytes,
           log_.length * sizeof *log_.at, busy);
    return 0;
}
