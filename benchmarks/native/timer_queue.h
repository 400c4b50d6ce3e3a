/* A binary heap of due times. A timer is embedded in what it belongs to and knows its own place,
 * so that a connection that closes takes its timer out without a search. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define TIMER_IDLE SIZE_MAX

struct timer {
    int64_t due_ns;
    size_t place; /* index in the heap, or TIMER_IDLE */
};

struct timer_queue {
    struct timer **heap;
    size_t length, capacity;
};

static inline void timer_put(struct timer_queue *queue, size_t place, struct timer *timer) {
    queue->heap[place] = timer;
    timer->place = place;
}

static inline void timer_sift(struct timer_queue *queue, size_t place) {
    struct timer *timer = queue->heap[place];
    while (place > 0 && queue->heap[(place - 1) / 2]->due_ns > timer->due_ns) {
        timer_put(queue, place, queue->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= queue->length) break;
        if (child + 1 < queue->length &&
            queue->heap[child + 1]->due_ns < queue->heap[child]->due_ns)
            child++;
        if (queue->heap[child]->due_ns >= timer->due_ns) break;
        timer_put(queue, place, queue->heap[child]);
        place = child;
    }
    timer_put(queue, place, timer);
}

/* Sets an idle timer, or moves one that is set. */
static inline void timer_set(struct timer_queue *queue, struct timer *timer, int64_t due_ns) {
    timer->due_ns = due_ns;
    if (timer->place == TIMER_IDLE) {
        if (queue->length == queue->capacity) {
            queue->capacity = queue->capacity ? 2 * queue->capacity : 1024;
            queue->heap = realloc(queue->heap, queue->capacity * sizeof *queue->heap);
            if (!queue->heap) abort();
        }
        timer_put(queue, queue->length++, timer);
    }
    timer_sift(queue, timer->place);
}

static inline void timer_cancel(struct timer_queue *queue, struct timer *timer) {
    size_t place = timer->place;
    if (place == TIMER_IDLE) return;
    timer->place = TIMER_IDLE;
    struct timer *last = queue->heap[--queue->length];
    if (last == timer) return;
    timer_put(queue, place, last);
    timer_sift(queue, place);
}

/* The timer that is due first, or NULL. */
static inline struct timer *timer_first(const struct timer_queue *queue) {
    return queue->length ? queue->heap[0] : NULL;
}
