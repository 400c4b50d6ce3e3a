/* Spans of time, counted by the microsecond up to 2 s (what lies beyond counts as 2 s, with the
 * true maximum kept). Its pages are touched where there are counts alone. */
#pragma once
#include <stdint.h>
#include <stdio.h>

#define SPAN_LIMIT_US 2000000

struct spans {
    uint64_t counts[SPAN_LIMIT_US + 1];
    uint64_t total;
    int64_t max_ns;
};

static inline void span_note(struct spans *spans, int64_t span_ns) {
    int64_t span_us = span_ns / 1000;
    if (span_us > SPAN_LIMIT_US) span_us = SPAN_LIMIT_US;
    spans->counts[span_us]++;
    spans->total++;
    if (span_ns > spans->max_ns) spans->max_ns = span_ns;
}

/* Nearest-rank percentile in microseconds; 0 without a span. */
static inline int64_t span_us(const struct spans *spans, double share) {
    uint64_t rank = (uint64_t)(share * (double)spans->total + 0.999999), seen = 0;
    if (rank < 1) rank = 1;
    for (int64_t us = 0; us <= SPAN_LIMIT_US; us++) {
        seen += spans->counts[us];
        if (seen >= rank) return us;
    }
    return 0;
}

/* As a member of a JSON object, with the comma before it. */
static inline void spans_print(const char *name, const struct spans *spans, FILE *file) {
    fprintf(file, ",\"%s\":{\"p50\":%ld,\"p90\":%ld,\"p99\":%ld,\"p999\":%ld,\"max\":%ld}", name,
            (long)span_us(spans, 0.5), (long)span_us(spans, 0.9), (long)span_us(spans, 0.99),
            (long)span_us(spans, 0.999), (long)(spans->max_ns / 1000));
}
