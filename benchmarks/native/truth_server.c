/* An OpenAI-compatible server whose truth is known: the first token is due a fixed time after the
 * request's last byte was read, then one token every gap, and every event says when it was sent.
 *
 * A token's text is its own send time (CLOCK_MONOTONIC, nanoseconds) after a blank, the first
 * one's is "<read>:<sent>": so any client that keeps the answer's text can be compared with the
 * truth. One thread, one epoll, one timer queue. Prints "port N" when it listens and one line of
 * JSON about itself when it is ended by SIGTERM or SIGINT. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"
#include "completion_chunk.h"
#include "http_request.h"
#include "loopback.h"
#include "options.h"
#include "secure.h"
#include "spans.h"
#include "timer_queue.h"

#define REQUEST_LIMIT (1 << 20)
#define TENTH_NS 100000000
#define TENTHS_LIMIT 36000 /* an hour */
#define TOKENS_BETWEEN_POLLS 16 /* so that a burst of tokens does not delay reading requests */

struct connection {
    struct timer timer; /* first: a timer's address is its connection's */
    int fd;
    secure *tls; /* NULL over a plain socket */
    char *in, *out; /* out: what the socket did not take yet */
    size_t in_bytes, in_capacity, out_bytes, out_capacity;
    bool streaming, close;
    struct completion completion;
    int64_t read_ns, first_ns, last_ns; /* last byte of the request read, tokens sent */
    struct connection *next_closed;
};

static struct timer_queue queue;
static struct spans lateness, first_tokens, gaps, mean_gaps;
static struct {
    int64_t begin_ns, end_ns; /* first request read, last token sent */
    unsigned long counts[TENTHS_LIMIT];
} tenths; /* tokens by tenths of a second */
static struct connection *closed; /* freed after the events of this poll were seen */
static unsigned long requests, cut_streams, blocked_sends;
static int epoll_fd;
static char *event;
static volatile sig_atomic_t stopping;

static void stop(int signal) {
    (void)signal;
    stopping = 1;
}

static void handle_input(struct connection *c);

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void connection_close(struct connection *c) {
    if (c->fd < 0) return;
    cut_streams += c->streaming;
    timer_cancel(&queue, &c->timer);
    if (c->tls) secure_close(c->tls);
    c->tls = NULL;
    close(c->fd);
    c->fd = -1;
    c->next_closed = closed;
    closed = c;
}

static void watch(struct connection *c, uint32_t events, int operation) {
    struct epoll_event interest = {.events = events, .data.ptr = c};
    if (epoll_ctl(epoll_fd, operation, c->fd, &interest)) die("epoll_ctl");
}

static void grow(char **buffer, size_t *capacity, size_t wanted) {
    if (wanted <= *capacity) return;
    while (*capacity < wanted) *capacity = *capacity ? 2 * *capacity : 4096;
    *buffer = realloc(*buffer, *capacity);
    if (!*buffer) die("realloc");
}

static void put(struct connection *c, const char *data, size_t bytes) {
    ssize_t taken = 0;
    if (c->fd < 0) return;
    if (!c->out_bytes) {
        taken = secure_send(c->tls, c->fd, data, bytes);
        if (taken == (ssize_t)bytes) return;
        if (taken < 0 && errno != EAGAIN) {
            connection_close(c);
            return;
        }
        if (taken < 0) taken = 0;
        blocked_sends++;
        watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    }
    grow(&c->out, &c->out_capacity, c->out_bytes + bytes);
    memcpy(c->out + c->out_bytes, data + taken, bytes - (size_t)taken);
    c->out_bytes += bytes - (size_t)taken;
}

static void flush(struct connection *c) {
    ssize_t taken = secure_send(c->tls, c->fd, c->out, c->out_bytes);
    if (taken < 0) {
        if (errno != EAGAIN) connection_close(c);
        return;
    }
    c->out_bytes -= (size_t)taken;
    memmove(c->out, c->out + taken, c->out_bytes);
    if (c->out_bytes) return;
    if (c->close && !c->streaming)
        connection_close(c);
    else
        watch(c, EPOLLIN, EPOLL_CTL_MOD);
}

static void answer(struct connection *c, const char *status, const char *json) {
    char head[2048];
    int bytes = snprintf(head, sizeof head,
                         "HTTP/1.1 %s\r\nserver: loadproof-truth\r\ncontent-type: "
                         "application/json\r\ncontent-length: %zu\r\n\r\n%s",
                         status, strlen(json), json);
    put(c, head, (size_t)bytes);
}

static void send_closing(struct connection *c) {
    static const char done[] = "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
    size_t bytes = c->completion.usage ? completion_chunk(event, &c->completion, "", "", 0) : 0;
    memcpy(event + bytes, done, sizeof done - 1);
    put(c, event, bytes + sizeof done - 1);
    c->streaming = false;
    if (c->close && !c->out_bytes) connection_close(c);
}

static void note_sent(struct connection *c, int64_t due_ns, int64_t sent_ns) {
    size_t tenth = (size_t)((sent_ns - tenths.begin_ns) / TENTH_NS);
    if (tenth < TENTHS_LIMIT) tenths.counts[tenth]++;
    tenths.end_ns = sent_ns;
    span_note(&lateness, sent_ns - due_ns);
    if (c->completion.sent_tokens == 1) {
        span_note(&first_tokens, sent_ns - c->read_ns);
        c->first_ns = sent_ns;
    } else {
        span_note(&gaps, sent_ns - c->last_ns);
    }
    c->last_ns = sent_ns;
    if (c->completion.sent_tokens == options.tokens && options.tokens > 1)
        span_note(&mean_gaps, (sent_ns - c->first_ns) / (options.tokens - 1));
}

static void send_token(struct connection *c) {
    if (c->completion.sent_tokens == 0) {
        int head = sprintf(event, "HTTP/1.1 200 OK\r\nserver: loadproof-truth\r\ncontent-type: "
                                  "text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked"
                                  "\r\n\r\n");
        put(c, event, (size_t)head + completion_role(event + head, &c->completion));
    }
    bool last = ++c->completion.sent_tokens == options.tokens;
    int64_t due_ns = c->timer.due_ns, sent_ns = monotonic_ns();
    put(c, event,
        completion_token(event, &c->completion, c->read_ns, sent_ns, last,
                         (size_t)options.padding_bytes));
    note_sent(c, due_ns, sent_ns);
    if (c->fd < 0) return;
    if (last) {
        timer_cancel(&queue, &c->timer);
        send_closing(c);
        handle_input(c);
    } else {
        timer_set(&queue, &c->timer, due_ns + options.gap_ns);
    }
}

static void start_stream(struct connection *c, const struct http_request *request) {
    bool usage = http_body_asks(request, "\"include_usage\"");
    c->completion = (struct completion){
        .id = ++requests,
        .prompt_tokens = request->body_bytes / 4 + 1,
        .usage = usage,
        .continuous_usage = usage && http_body_asks(request, "\"continuous_usage_stats\""),
    };
    c->streaming = true;
    c->read_ns = monotonic_ns();
    if (!tenths.begin_ns) tenths.begin_ns = c->read_ns;
    int64_t due_ns = c->read_ns + options.ttft_ns;
    if (options.synchronised && options.gap_ns)
        due_ns = (due_ns + options.gap_ns - 1) / options.gap_ns * options.gap_ns;
    timer_set(&queue, &c->timer, due_ns);
}

static void handle(struct connection *c, const struct http_request *request) {
    c->close = request->close;
    if (request->post && !strcmp(request->path, "/v1/chat/completions")) {
        if (http_body_asks(request, "\"stream\""))
            start_stream(c, request);
        else
            answer(c, "400 Bad Request",
                   "{\"error\":{\"message\":\"this server only streams: ask with stream=true\","
                   "\"type\":\"BadRequestError\",\"param\":\"stream\",\"code\":400}}");
    } else if (!strcmp(request->path, "/health")) {
        answer(c, "200 OK", "");
    } else if (!strcmp(request->path, "/v1/models")) {
        answer(c, "200 OK",
               "{\"object\":\"list\",\"data\":[{\"id\":\"truth\",\"object\":\"model\","
               "\"created\":1700000000,\"owned_by\":\"loadproof\",\"max_model_len\":1048576}]}");
    } else {
        answer(c, "404 Not Found",
               "{\"error\":{\"message\":\"nothing here\",\"type\":\"NotFoundError\",\"code\":404}}");
    }
    if (c->close && !c->streaming && !c->out_bytes) connection_close(c);
}

static void receive(struct connection *c) {
    do {
        grow(&c->in, &c->in_capacity, c->in_bytes + 16384);
        ssize_t bytes = secure_receive(c->tls, c->fd, c->in + c->in_bytes,
                                       c->in_capacity - c->in_bytes);
        if (bytes < 0 && errno == EAGAIN) return;
        if (bytes <= 0 || c->in_bytes > REQUEST_LIMIT) {
            connection_close(c);
            return;
        }
        c->in_bytes += (size_t)bytes;
        handle_input(c);
    } while (c->fd >= 0 && secure_pending(c->tls));
}

static void handle_input(struct connection *c) {
    while (c->fd >= 0 && c->in_bytes && !c->streaming) {
        struct http_request request;
        enum http_parse parsed = http_parse(c->in, c->in_bytes, &request);
        if (parsed == HTTP_PARTIAL) return;
        if (parsed == HTTP_UNREADABLE) {
            connection_close(c);
            return;
        }
        handle(c, &request);
        c->in_bytes -= request.bytes;
        memmove(c->in, c->in + request.bytes, c->in_bytes);
    }
}

static void accept_all(int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
        if (fd < 0) return;
        struct connection *c = calloc(1, sizeof *c);
        if (!c) die("calloc");
        /* Nagle's algorithm would hold a token back until the one before was acknowledged. */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        c->fd = fd;
        c->tls = secure_accepted(fd);
        c->timer.place = TIMER_IDLE;
        watch(c, EPOLLIN, EPOLL_CTL_ADD);
    }
}

static void serve(int listener, int timer_fd) {
    struct epoll_event seen[256];
    struct epoll_event at_listener = {.events = EPOLLIN, .data.ptr = &listener};
    struct epoll_event at_timer = {.events = EPOLLIN, .data.ptr = &timer_fd};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &at_listener);
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &at_timer);
    sigset_t none;
    sigemptyset(&none);
    int64_t armed_ns = 0;
    while (!stopping) {
        struct timer *first = timer_first(&queue);
        bool due = first && first->due_ns <= monotonic_ns();
        if (first && !due && first->due_ns != armed_ns) {
            armed_ns = first->due_ns;
            struct itimerspec at = {.it_value = {armed_ns / 1000000000, armed_ns % 1000000000}};
            timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
        }
        int count = epoll_pwait(epoll_fd, seen, 256, due ? 0 : -1, &none);
        for (int i = 0; i < count; i++) {
            struct connection *c = seen[i].data.ptr;
            uint64_t expirations;
            if (seen[i].data.ptr == &listener) {
                accept_all(listener);
            } else if (seen[i].data.ptr == &timer_fd) {
                if (read(timer_fd, &expirations, sizeof expirations) > 0) armed_ns = 0;
            } else {
                if (c->fd >= 0 && seen[i].events & EPOLLOUT && c->out_bytes) flush(c);
                if (c->fd >= 0 && seen[i].events & ~(uint32_t)EPOLLOUT) receive(c);
            }
        }
        for (int sent = 0; sent < TOKENS_BETWEEN_POLLS; sent++) {
            first = timer_first(&queue);
            if (!first || first->due_ns > monotonic_ns()) break;
            send_token((struct connection *)first);
        }
        while (closed) {
            struct connection *c = closed;
            closed = c->next_closed;
            free(c->in);
            free(c->out);
            free(c);
        }
    }
}

/* One line of JSON. A span is in microseconds: tokens after their due time, first tokens after
 * their requests, tokens after the ones before them, and the mean of the latter by request. */
static void account(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("{\"requests\":%lu,\"tokens\":%lu,\"cut_streams\":%lu,\"blocked_sends\":%lu,"
           "\"cpu_s\":%.6f,\"begin_ns\":%ld,\"end_ns\":%ld",
           requests, (unsigned long)lateness.total, cut_streams, blocked_sends,
           (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6,
           (long)tenths.begin_ns, (long)tenths.end_ns);
    spans_print("lateness_us", &lateness, stdout);
    spans_print("ttft_us", &first_tokens, stdout);
    spans_print("itl_us", &gaps, stdout);
    spans_print("mean_itl_us", &mean_gaps, stdout);
    printf(",\"tokens_by_tenth_s\":[");
    size_t length = tenths.begin_ns ? (size_t)((tenths.end_ns - tenths.begin_ns) / TENTH_NS) + 1 : 0;
    for (size_t i = 0; i < length && i < TENTHS_LIMIT; i++)
        printf("%s%lu", i ? "," : "", tenths.counts[i]);
    printf("]}\n");
}

int main(int count, char **values) {
    read_options(count, values);
    if (options.certificate) secure_with(options.certificate);
    if (options.core >= 0 && !pinned(options.core)) die("--core");
    /* Where it may, it goes before all others on its core, who would make it late: what is in
     * question is the client. */
    if (sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}) &&
        setpriority(PRIO_PROCESS, 0, -10))
        errno = 0;
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    event = malloc(2 * CHUNK_LIMIT + (size_t)options.padding_bytes);
    if (!event) die("malloc");
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL); /* delivered within epoll_pwait alone */
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (epoll_fd < 0 || timer_fd < 0) die("epoll");
    serve(loopback_listener(options.port), timer_fd);
    account();
    return 0;
}
