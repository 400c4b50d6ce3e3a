/* Decodes the common case of a stream: reads that are one chunk of HTTP each, with one event, with
 * one chat completion chunk that bears some text or some thinking. Whatever looks different in the least is left to
 * the careful way in Python, which gives the same for these.
 *
 * Python's `plain_events` says what plain is; the tests compare the two on everything they have. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { DEEPEST = 32, UNKNOWN = -1, CONTENT = 1, REASONING = 2 };

/* What the plain reads amount to; the arrays have room for each read. */
struct plain {
    char *content, *reasoning; /* as UTF-8; each with room for all bytes of the reads */
    int8_t *kinds;             /* of each event, CONTENT or REASONING */
    uint32_t *text_bytes;      /* of each event */
    int32_t *counts;           /* the running total of tokens on each event, -1 for none */
    int64_t content_size, reasoning_size;
    int64_t prompt_tokens, completion_tokens; /* the last ones named, -1 for none */
};

struct cursor {
    const char *at, *end;
};

/* Of one event. */
struct event {
    char *content, *reasoning;
    int64_t content_size, reasoning_size;
    int64_t count, prompt_tokens;
    bool has_choice, has_delta, has_usage;
};

/* Members that were there before: JSON lets names repeat, and a repeated one is not plain. */
static bool is_first(bool *seen) {
    bool first = !*seen;
    *seen = true;
    return first;
}

static void skip_blanks(struct cursor *c) {
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t')) c->at++;
}

static bool take(struct cursor *c, char wanted) {
    skip_blanks(c);
    if (c->at == c->end || *c->at != wanted) return false;
    c->at++;
    return true;
}

static bool take_word(struct cursor *c, const char *word) {
    size_t size = strlen(word);
    if ((size_t)(c->end - c->at) < size || memcmp(c->at, word, size)) return false;
    c->at += size;
    return true;
}

/* The bytes of a well-formed UTF-8 sequence at `at` (RFC 3629), 0 for none. */
static size_t utf8_size(const unsigned char *at, size_t left) {
    unsigned char a = at[0];
    if (a < 0x80) return 1;
    size_t size = a >= 0xc2 && a <= 0xdf ? 2 : a >= 0xe0 && a <= 0xef ? 3 : a >= 0xf0 && a <= 0xf4 ? 4 : 0;
    if (!size || left < size) return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80) return 0;
    if (a == 0xe0 && at[1] < 0xa0) return 0; /* overlong */
    if (a == 0xed && at[1] > 0x9f) return 0; /* a surrogate */
    if (a == 0xf0 && at[1] < 0x90) return 0;
    if (a == 0xf4 && at[1] > 0x8f) return 0;
    return size;
}

static int hex4(struct cursor *c) {
    if (c->end - c->at < 4) return -1;
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char d = *c->at++;
        int digit = d >= '0' && d <= '9'   ? d - '0'
                    : d >= 'a' && d <= 'f' ? d - 'a' + 10
                    : d >= 'A' && d <= 'F' ? d - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        value = value << 4 | digit;
    }
    return value;
}

static char *put_utf8(char *out, uint32_t code) {
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

/* A string; decoded to `out` if that is given, which needs no more room than its JSON. Lone
 * surrogates and malformed UTF-8 are not plain. Returns the decoded size, negative for neither. */
static int64_t take_string(struct cursor *c, char *out) {
    if (!take(c, '"')) return -1;
    char *begin = out, scratch[8];
    while (c->at < c->end) {
        unsigned char byte = (unsigned char)*c->at;
        if (byte == '"') {
            c->at++;
            return out ? out - begin : 0;
        }
        if (byte < 0x20) return -1;
        if (byte != '\\') {
            size_t size = utf8_size((const unsigned char *)c->at, (size_t)(c->end - c->at));
            if (!size) return -1;
            if (out) {
                memcpy(out, c->at, size);
                out += size;
            }
            c->at += size;
            continue;
        }
        if (++c->at == c->end) return -1;
        char escaped = *c->at++;
        uint32_t code;
        switch (escaped) {
        case '"': case '\\': case '/': code = (uint32_t)escaped; break;
        case 'b': code = '\b'; break;
        case 'f': code = '\f'; break;
        case 'n': code = '\n'; break;
        case 'r': code = '\r'; break;
        case 't': code = '\t'; break;
        case 'u': {
            int high = hex4(c);
            if (high < 0 || (high >= 0xdc00 && high <= 0xdfff)) return -1;
            code = (uint32_t)high;
            if (high >= 0xd800 && high <= 0xdbff) {
                if (!take_word(c, "\\u")) return -1;
                int low = hex4(c);
                if (low < 0xdc00 || low > 0xdfff) return -1;
                code = 0x10000 + ((code - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
            }
            break;
        }
        default: return -1;
        }
        char *end = put_utf8(out ? out : scratch, code);
        if (out) out = end;
    }
    return -1;
}

/* A whole number that is not negative and has at most nine digits; -1 for anything else. */
static int64_t take_count(struct cursor *c) {
    skip_blanks(c);
    int64_t value = 0;
    int digits = 0;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9') {
        value = 10 * value + (*c->at++ - '0');
        if (++digits > 9) return -1;
    }
    bool leading_zero = digits > 1 && c->at[-digits] == '0';
    bool goes_on = c->at < c->end && (*c->at == '.' || *c->at == 'e' || *c->at == 'E');
    return digits && !leading_zero && !goes_on ? value : -1;
}

static bool skip_number(struct cursor *c) {
    if (c->at < c->end && *c->at == '-') c->at++;
    const char *begin = c->at;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9') c->at++;
    if (c->at == begin || (*begin == '0' && c->at - begin > 1)) return false;
    if (c->at < c->end && *c->at == '.') {
        begin = ++c->at;
        while (c->at < c->end && *c->at >= '0' && *c->at <= '9') c->at++;
        if (c->at == begin) return false;
    }
    if (c->at < c->end && (*c->at == 'e' || *c->at == 'E')) {
        c->at++;
        if (c->at < c->end && (*c->at == '+' || *c->at == '-')) c->at++;
        begin = c->at;
        while (c->at < c->end && *c->at >= '0' && *c->at <= '9') c->at++;
        if (c->at == begin) return false;
    }
    return true;
}

static bool skip_value(struct cursor *c, int depth) {
    skip_blanks(c);
    if (c->at == c->end || depth > DEEPEST) return false;
    switch (*c->at) {
    case '"': return take_string(c, NULL) >= 0;
    case 't': return take_word(c, "true");
    case 'f': return take_word(c, "false");
    case 'n': return take_word(c, "null");
    case '{':
    case '[': {
        bool is_object = *c->at++ == '{';
        char closing = is_object ? '}' : ']';
        if (take(c, closing)) return true;
        do {
            if (is_object && (take_string(c, NULL) < 0 || !take(c, ':'))) return false;
            if (!skip_value(c, depth + 1)) return false;
        } while (take(c, ','));
        return take(c, closing);
    }
    default: return skip_number(c);
    }
}

static bool take_null(struct cursor *c) {
    skip_blanks(c);
    return take_word(c, "null");
}

/* A member's name as it stands, without escapes: an escaped one is not plain. */
static bool take_name(struct cursor *c, const char **name, size_t *size) {
    if (!take(c, '"')) return false;
    *name = c->at;
    while (c->at < c->end && *c->at != '"') {
        if (*c->at == '\\' || (unsigned char)*c->at < 0x20 || (unsigned char)*c->at > 0x7e) return false;
        c->at++;
    }
    *size = (size_t)(c->at - *name);
    return take(c, '"') && take(c, ':');
}

static bool is(const char *name, size_t size, const char *wanted) {
    return size == strlen(wanted) && !memcmp(name, wanted, size);
}

typedef bool member(struct cursor *c, const char *name, size_t size, struct event *event);

/* An object, each member by `take_member`. */
static bool take_object(struct cursor *c, member *take_member, struct event *event) {
    const char *name;
    size_t size;
    if (!take(c, '{')) return false;
    if (take(c, '}')) return true;
    do {
        if (!take_name(c, &name, &size) || !take_member(c, name, size, event)) return false;
    } while (take(c, ','));
    return take(c, '}');
}

/* A text or null, of which one may be there; it goes to `out`. */
static bool take_text(struct cursor *c, char *out, int64_t *size) {
    skip_blanks(c);
    if (take_word(c, "null")) return true;
    return !*size && (*size = take_string(c, out)) >= 0;
}

static bool take_of_delta(struct cursor *c, const char *name, size_t size, struct event *event) {
    if (is(name, size, "content")) return take_text(c, event->content, &event->content_size);
    if (is(name, size, "reasoning") || is(name, size, "reasoning_content"))
        return take_text(c, event->reasoning, &event->reasoning_size);
    if (is(name, size, "refusal") || is(name, size, "tool_calls")) return take_null(c);
    return skip_value(c, 0);
}

static bool take_of_choice(struct cursor *c, const char *name, size_t size, struct event *event) {
    if (is(name, size, "index")) return take_count(c) == 0;
    if (is(name, size, "delta"))
        return is_first(&event->has_delta) && take_object(c, take_of_delta, event);
    if (is(name, size, "message") || is(name, size, "text") || is(name, size, "finish_reason"))
        return take_null(c);
    return skip_value(c, 0);
}

static bool take_of_usage(struct cursor *c, const char *name, size_t size, struct event *event) {
    if (is(name, size, "prompt_tokens")) return (event->prompt_tokens = take_count(c)) >= 0;
    if (is(name, size, "completion_tokens")) return (event->count = take_count(c)) >= 0;
    if (is(name, size, "completion_tokens_details")) return take_null(c);
    return skip_value(c, 0);
}

static bool take_of_chunk(struct cursor *c, const char *name, size_t size, struct event *event) {
    if (is(name, size, "choices"))
        return is_first(&event->has_choice) && take(c, '[') &&
               take_object(c, take_of_choice, event) && take(c, ']');
    if (is(name, size, "usage"))
        return is_first(&event->has_usage) &&
               (take_null(c) || take_object(c, take_of_usage, event));
    if (is(name, size, "error")) return take_null(c);
    return skip_value(c, 0);
}

/* Where the JSON of a read stands that is one chunk with one event. */
static bool find_json(const char *read, size_t size, struct cursor *json) {
    static const char opening[] = "\r\ndata: ", ending[] = "\n\n\r\n";
    size_t at = 0, content = 0;
    for (; at < size && at < 7; at++) {
        char d = read[at];
        size_t digit = d >= '0' && d <= '9'   ? (size_t)(d - '0')
                       : d >= 'a' && d <= 'f' ? (size_t)(d - 'a' + 10)
                       : d >= 'A' && d <= 'F' ? (size_t)(d - 'A' + 10)
                                              : 16;
        if (digit == 16) break;
        content = content << 4 | digit;
    }
    size_t around = sizeof opening - 1 + sizeof ending - 1;
    if (!at || read[0] == '0' || size < at + around || size != at + 4 + content) return false;
    if (memcmp(read + at, opening, sizeof opening - 1)) return false;
    if (memcmp(read + size - (sizeof ending - 1), ending, sizeof ending - 1)) return false;
    *json = (struct cursor){read + at + sizeof opening - 1, read + size - (sizeof ending - 1)};
    return true;
}

/* Decodes reads, of which `sizes` follow each other in `bytes`, up to the first that is not plain.
 * Returns how many were. */
int64_t decode_plain(const char *bytes, const int64_t *sizes, int64_t reads, struct plain *plain) {
    int64_t done = 0;
    plain->content_size = plain->reasoning_size = 0;
    plain->prompt_tokens = plain->completion_tokens = UNKNOWN;
    for (; done < reads; bytes += sizes[done++]) {
        struct cursor json;
        struct event event = {.content = plain->content + plain->content_size,
                              .reasoning = plain->reasoning + plain->reasoning_size,
                              .count = UNKNOWN,
                              .prompt_tokens = UNKNOWN};
        if (!find_json(bytes, (size_t)sizes[done], &json)) break;
        if (!take_object(&json, take_of_chunk, &event) || json.at != json.end) break;
        if (!event.content_size == !event.reasoning_size) break; /* neither, or both */
        plain->content_size += event.content_size;
        plain->reasoning_size += event.reasoning_size;
        plain->kinds[done] = event.content_size ? CONTENT : REASONING;
        plain->text_bytes[done] = (uint32_t)(event.content_size + event.reasoning_size);
        plain->counts[done] = (int32_t)event.count;
        if (event.prompt_tokens >= 0) plain->prompt_tokens = event.prompt_tokens;
        if (event.count >= 0) plain->completion_tokens = event.count;
    }
    return done;
}
