/* Receives responses on a thread of its own: takes what arrives with the kernel's stamp, and tells
 * the loop only when there is something to decide.
 *
 * A stream is attended from before its request is sent until its response has ended. Until its
 * first token (`rx_go_on` was not called yet) every event is read by itself and reported. From then
 * on reads are kept, and reported when one looks like the last, when more than `hold_bytes` are
 * kept, or when the connection has ended. No call here waits, and the thread knows no Python.
 *
 * Waking up costs more than reading does, and the kernel's stamps do not depend on when they are
 * read. So where events are many, the thread sleeps for a millisecond after each look and takes
 * what has come together: not where one stream's events follow each other so closely that the
 * kernel would join them meanwhile, and their stamps with them.
 *
 * Every function may be called by one thread at a time besides the receiver's own. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef SO_TIMESTAMPING
#define SO_TIMESTAMPING 37
#endif
#ifndef SCM_TIMESTAMPING
#define SCM_TIMESTAMPING SO_TIMESTAMPING
#endif

enum {
    EPOLL_BATCH = 64,
    PEEK_BYTES = 4096,
    GROW_BYTES = 4096,
    LONGEST_END = 10, /* of the ends in may_end */
    ENDED_IN_GOOD_ORDER = -1,
    OUT_OF_MEMORY = -2,
};
#define GATHER_NS 1000000
#define SHORT_GAP_NS (3 * GATHER_NS)
#define SEASON 256 /* reads by which it is decided whether to gather */
#define SEASON_NS (SEASON * (GATHER_NS / 2)) /* two events a millisecond at least */
#define SHORT_GAPS (SEASON / 8)
#define NEVER INT64_MAX
#define STOP UINT64_MAX

struct mark {
    int64_t stamp_ns; /* CLOCK_REALTIME, 0 for none */
    int64_t read_ns;  /* CLOCK_MONOTONIC */
    int64_t bytes;
};

struct heap {
    char *bytes;
    size_t used, capacity;
    struct mark *marks;
    size_t count, room;
};

struct stream {
    uint32_t generation;
    bool attended, going_on, reported;
    int fd, ended;
    size_t slice_bytes, hold_bytes;
    int64_t total_bytes, end_at_bytes, read_ns;
    struct heap heap;
};

/* What `rx_take` hands out: valid until the next call of it. */
struct view {
    const char *bytes;
    size_t size;
    const struct mark *marks;
    size_t count;
    int ended; /* 0: no; -1: closed in good order; -2: no memory; else the errno */
};

struct receiver {
    int epoll, news, stop;
    pthread_t thread;
    pthread_mutex_t lock;
    struct stream **streams;
    uint32_t count, room;
    uint32_t *unused;
    uint32_t unused_count;
    uint64_t *reported;
    uint32_t reported_count;
    struct heap spare;
    bool gathers;
    int reads, short_gaps; /* of the present season, which began at season_ns */
    int64_t season_ns;
};

static int64_t monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static bool make_room(struct heap *heap, size_t bytes) {
    if (heap->capacity - heap->used < bytes) {
        size_t capacity = (heap->used + bytes + GROW_BYTES - 1) / GROW_BYTES * GROW_BYTES;
        char *grown = realloc(heap->bytes, capacity);
        if (!grown) return false;
        heap->bytes = grown;
        heap->capacity = capacity;
    }
    if (heap->count == heap->room) {
        size_t room = heap->room ? 2 * heap->room : 72;
        struct mark *grown = realloc(heap->marks, room * sizeof *grown);
        if (!grown) return false;
        heap->marks = grown;
        heap->room = room;
    }
    return true;
}

static int64_t stamp_of(struct msghdr *message) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING) {
            struct timespec stamp;
            memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
            return stamp.tv_sec * INT64_C(1000000000) + stamp.tv_nsec;
        }
    return 0;
}

/* One read of at most `limit` bytes. Returns its size, 0 where nothing waits or all is over. */
static size_t receive(struct stream *s, size_t limit) {
    if (!make_room(&s->heap, limit)) {
        s->ended = OUT_OF_MEMORY;
        return 0;
    }
    char control[128];
    struct iovec place = {s->heap.bytes + s->heap.used, limit};
    struct msghdr message = {
        .msg_iov = &place, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t size = recvmsg(s->fd, &message, MSG_DONTWAIT);
    if (size <= 0) {
        if (size == 0)
            s->ended = ENDED_IN_GOOD_ORDER;
        else if (errno != EAGAIN && errno != EINTR)
            s->ended = errno;
        return 0;
    }
    s->read_ns = monotonic_ns();
    s->heap.marks[s->heap.count++] = (struct mark){stamp_of(&message), s->read_ns, size};
    s->heap.used += (size_t)size;
    s->total_bytes += size;
    return (size_t)size;
}

/* How many of `size` bytes go up to the end of the first event, or head, with the end of the chunk
 * that it came in: a blank line, and CR LF after it. A guess at where to cut, no more. */
static size_t first_event(const char *bytes, size_t size) {
    const char *at = bytes, *end = bytes + size;
    while ((at = memchr(at, '\n', (size_t)(end - at)))) {
        at++;
        if (end - at >= 1 && at[0] == '\n')
            at += 1;
        else if (end - at >= 2 && at[0] == '\r' && at[1] == '\n')
            at += 2;
        else
            continue;
        if (end - at >= 2 && at[0] == '\r' && at[1] == '\n') at += 2;
        return (size_t)(at - bytes);
    }
    return size;
}

/* Reads what waits event by event: those whose segments the kernel has not joined keep stamps of
 * their own. */
static void receive_apart(struct stream *s) {
    char waiting[PEEK_BYTES];
    ssize_t size = recv(s->fd, waiting, sizeof waiting, MSG_PEEK | MSG_DONTWAIT);
    if (size <= 0) {
        receive(s, 1); /* says why */
        return;
    }
    size_t at = 0;
    while (at < (size_t)size) {
        size_t taken = receive(s, first_event(waiting + at, (size_t)size - at));
        if (!taken) return;
        at += taken;
    }
}

static bool ends_with(const struct heap *heap, const char *end) {
    size_t size = strlen(end);
    return heap->used >= size && !memcmp(heap->bytes + heap->used - size, end, size);
}

/* Whether what came last may be the response's end. Too little to tell by is taken for it. */
static bool may_have_ended(const struct stream *s) {
    const struct heap *heap = &s->heap;
    if (s->total_bytes >= s->end_at_bytes || heap->used < LONGEST_END) return true;
    if (ends_with(heap, "[DONE]\n\n") || ends_with(heap, "[DONE]\n\n\r\n")) return true;
    /* The last chunk's end, unless that is of an event with CR LF in its lines. */
    return ends_with(heap, "\r\n\r\n") && !ends_with(heap, "}\r\n\r\n") &&
           !ends_with(heap, "\n\r\n\r\n");
}

static void report(struct receiver *rx, uint32_t index) {
    struct stream *s = rx->streams[index];
    if (s->reported) return;
    s->reported = true;
    if (!rx->reported_count) eventfd_write(rx->news, 1);
    rx->reported[rx->reported_count++] = (uint64_t)s->generation << 32 | index;
}

static void leave_alone(struct receiver *rx, struct stream *s) {
    epoll_ctl(rx->epoll, EPOLL_CTL_DEL, s->fd, NULL);
    s->fd = -1;
}

/* Decides at the end of each season whether the next one gathers. */
static void note_read(struct receiver *rx, int64_t read_ns, int64_t gap_ns) {
    rx->short_gaps += gap_ns < SHORT_GAP_NS;
    if (++rx->reads < SEASON) return;
    rx->gathers = read_ns - rx->season_ns <= SEASON_NS && rx->short_gaps <= SHORT_GAPS;
    rx->reads = rx->short_gaps = 0;
    rx->season_ns = read_ns;
}

static void on_readable(struct receiver *rx, uint64_t key) {
    uint32_t index = (uint32_t)key;
    struct stream *s = rx->streams[index];
    /* It may have been let go while its event was on the way. */
    if (!s->attended || s->generation != key >> 32 || s->fd < 0) return;
    if (!s->going_on) {
        receive_apart(s);
        report(rx, index);
    } else {
        int64_t before_ns = s->read_ns;
        size_t size = receive(s, s->slice_bytes);
        note_read(rx, s->read_ns, s->read_ns - before_ns);
        if (size == s->slice_bytes && !s->ended) receive_apart(s);
        if (s->ended || (size && may_have_ended(s)) || s->heap.used > s->hold_bytes)
            report(rx, index);
    }
    if (s->ended) leave_alone(rx, s);
}

static void *attend(void *argument) {
    struct receiver *rx = argument;
    struct epoll_event events[EPOLL_BATCH];
    for (;;) {
        int count = epoll_wait(rx->epoll, events, EPOLL_BATCH, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.u64 == STOP) return NULL;
            pthread_mutex_lock(&rx->lock);
            on_readable(rx, events[i].data.u64);
            pthread_mutex_unlock(&rx->lock);
        }
        if (rx->gathers && count < EPOLL_BATCH)
            nanosleep(&(struct timespec){.tv_nsec = GATHER_NS}, NULL);
    }
}

static struct stream *find(struct receiver *rx, uint64_t key) {
    uint32_t index = (uint32_t)key;
    if (index >= rx->count) return NULL;
    struct stream *s = rx->streams[index];
    return s->attended && s->generation == key >> 32 ? s : NULL;
}

static bool add_stream(struct receiver *rx) {
    if (rx->count == rx->room) {
        uint32_t room = rx->room ? 2 * rx->room : 64;
        struct stream **streams = realloc(rx->streams, room * sizeof *streams);
        if (streams) rx->streams = streams;
        uint32_t *unused = realloc(rx->unused, room * sizeof *unused);
        if (unused) rx->unused = unused;
        uint64_t *reported = realloc(rx->reported, room * sizeof *reported);
        if (reported) rx->reported = reported;
        if (!streams || !unused || !reported) return false;
        rx->room = room;
    }
    struct stream *s = calloc(1, sizeof *s);
    if (!s) return false;
    rx->streams[rx->count] = s;
    rx->unused[rx->unused_count++] = rx->count++;
    return true;
}

/* A receiver with its thread, or NULL with errno set. */
struct receiver *rx_open(void) {
    struct receiver *rx = calloc(1, sizeof *rx);
    if (!rx) return NULL;
    pthread_mutex_init(&rx->lock, NULL);
    rx->epoll = epoll_create1(EPOLL_CLOEXEC);
    rx->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rx->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = STOP};
    sigset_t all, before;
    sigfillset(&all);
    int problem = rx->epoll < 0 || rx->news < 0 || rx->stop < 0 ||
                          epoll_ctl(rx->epoll, EPOLL_CTL_ADD, rx->stop, &event)
                      ? errno
                      : 0;
    if (!problem) {
        pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
        problem = pthread_create(&rx->thread, NULL, attend, rx);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (problem) {
        if (rx->epoll >= 0) close(rx->epoll);
        if (rx->news >= 0) close(rx->news);
        if (rx->stop >= 0) close(rx->stop);
        free(rx);
        errno = problem;
        return NULL;
    }
    return rx;
}

/* Ends the thread and gives all back. Streams that are still attended are left alone. */
void rx_close(struct receiver *rx) {
    eventfd_write(rx->stop, 1);
    pthread_join(rx->thread, NULL);
    for (uint32_t i = 0; i < rx->count; i++) {
        free(rx->streams[i]->heap.bytes);
        free(rx->streams[i]->heap.marks);
        free(rx->streams[i]);
    }
    free(rx->streams);
    free(rx->unused);
    free(rx->reported);
    free(rx->spare.bytes);
    free(rx->spare.marks);
    close(rx->epoll);
    close(rx->news);
    close(rx->stop);
    pthread_mutex_destroy(&rx->lock);
    free(rx);
}

/* Of what this library was made, so that nobody loads that of other sources. */
const char *native_sources(void) { return SOURCES_DIGEST; }

/* The descriptor that becomes readable when there are reports. */
int rx_news(const struct receiver *rx) { return rx->news; }

/* Attends to the connected socket `fd`. Returns 0 and its key, or an errno. */
int rx_attend(struct receiver *rx, int fd, uint64_t *key) {
    pthread_mutex_lock(&rx->lock);
    int problem = 0;
    if (!rx->unused_count && !add_stream(rx)) problem = ENOMEM;
    if (!problem) {
        uint32_t index = rx->unused[rx->unused_count - 1];
        struct stream *s = rx->streams[index];
        struct epoll_event event = {.events = EPOLLIN};
        *key = event.data.u64 = (uint64_t)(s->generation + 1) << 32 | index;
        if (epoll_ctl(rx->epoll, EPOLL_CTL_ADD, fd, &event)) {
            problem = errno;
        } else {
            rx->unused_count--;
            s->generation++;
            s->attended = true;
            s->going_on = s->reported = false;
            s->fd = fd;
            s->ended = 0;
            s->total_bytes = 0;
            s->heap.used = s->heap.count = 0;
        }
    }
    pthread_mutex_unlock(&rx->lock);
    return problem;
}

/* From here on reads are kept: some `slice_bytes` each, a little more than an event; reported once
 * `hold_bytes` are kept, or `left_bytes` (negative: unknown) more have come, or at an end. What has
 * come since the last report is looked at at once. */
void rx_go_on(struct receiver *rx, uint64_t key, size_t slice_bytes, size_t hold_bytes,
              int64_t left_bytes) {
    pthread_mutex_lock(&rx->lock);
    struct stream *s = find(rx, key);
    if (s) {
        s->going_on = true;
        s->slice_bytes = slice_bytes;
        s->hold_bytes = hold_bytes;
        s->end_at_bytes =
            left_bytes < 0 ? NEVER : s->total_bytes - (int64_t)s->heap.used + left_bytes;
        if (s->ended || (s->heap.used && may_have_ended(s))) report(rx, (uint32_t)key);
    }
    pthread_mutex_unlock(&rx->lock);
}

/* The keys of streams with something to decide, at most `most`; each until its next report. */
size_t rx_reports(struct receiver *rx, uint64_t *keys, size_t most) {
    pthread_mutex_lock(&rx->lock);
    uint32_t count = rx->reported_count < most ? rx->reported_count : (uint32_t)most;
    memcpy(keys, rx->reported, count * sizeof *keys);
    for (uint32_t i = 0; i < count; i++) {
        struct stream *s = find(rx, keys[i]);
        if (s) s->reported = false;
    }
    rx->reported_count -= count;
    memmove(rx->reported, rx->reported + count, rx->reported_count * sizeof *keys);
    if (!rx->reported_count) {
        eventfd_t seen;
        eventfd_read(rx->news, &seen);
    }
    pthread_mutex_unlock(&rx->lock);
    return count;
}

/* Takes over what a stream has kept: valid until the next call. */
void rx_take(struct receiver *rx, uint64_t key, struct view *view) {
    pthread_mutex_lock(&rx->lock);
    struct stream *s = find(rx, key);
    rx->spare.used = rx->spare.count = 0;
    if (s) {
        struct heap kept = s->heap;
        s->heap = rx->spare;
        rx->spare = kept;
    }
    *view = (struct view){rx->spare.bytes, rx->spare.used, rx->spare.marks, rx->spare.count,
                          s ? s->ended : ENDED_IN_GOOD_ORDER};
    pthread_mutex_unlock(&rx->lock);
}

/* Attends to a stream no longer: its socket may be closed, or used otherwise, from now on. */
void rx_let_go(struct receiver *rx, uint64_t key) {
    pthread_mutex_lock(&rx->lock);
    struct stream *s = find(rx, key);
    if (s) {
        if (s->fd >= 0) leave_alone(rx, s);
        s->attended = false;
        rx->unused[rx->unused_count++] = (uint32_t)key;
        /* A report that nobody has collected yet must not fill the list. */
        if (s->reported) {
            uint32_t kept = 0;
            for (uint32_t i = 0; i < rx->reported_count; i++)
                if (rx->reported[i] != key) rx->reported[kept++] = rx->reported[i];
            rx->reported_count = kept;
        }
    }
    pthread_mutex_unlock(&rx->lock);
}
