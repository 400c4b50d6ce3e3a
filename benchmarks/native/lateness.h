/* How late the server was: every token's send time minus its scheduled time, counted by the
 * microsecond up to 200 ms (what lies beyond counts as 200 ms, with the true maximum kept). */
#pragma once
#include <stdint.h>
#include <stdio.h>

#define LATENESS_LIMIT_US 200000

struct lateness {
    uint64_t counts[LATENESS_LIMIT_US + 1];
    uint64_t total;
    int64_t max_ns;
};

static inline void lateness_note(struct lateness *lateness, int64_t late_ns) {
    int64_t late_us = late_ns / 1000;
    if (late_us > LATENESS_LIMIT_US) late_us = LATENESS_LIMIT_US;
    lateness->counts[late_us]++;
    lateness->total++;
    if (late_ns > lateness->max_ns) lateness->max_ns = late_ns;
}

/* Nearest-rank percentile in microseconds; 0 without a token. */
static inline int64_t lateness_us(const struct lateness *lateness, double share) {
    uint64_t rank = (uint64_t)(share * (double)lateness->total + 0.999999), seen = 0;
    if (rank < 1) rank = 1;
    for (int64_t us = 0; us <= LATENESS_LIMIT_US; us++) {
        seen += lateness->counts[us];
        if (seen >= rank) return us;
    }
    return 0;
}

/* As a JSON object. */
static inline void lateness_print(const struct lateness *lateness, FILE *file) {
    fprintf(file, "{\"p50\":%ld,\"p90\":%ld,\"p99\":%ld,\"p999\":%ld,\"max\":%ld}",
            (long)lateness_us(lateness, 0.5), (long)lateness_us(lateness, 0.9),
            (long)lateness_us(lateness, 0.99), (long)lateness_us(lateness, 0.999),
            (long)(lateness->max_ns / 1000));
}
