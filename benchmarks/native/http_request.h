/* As much HTTP/1.1 as a client of an OpenAI-compatible server sends: a request line, headers, and
 * a body of known length. */
#pragma once
#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct http_request {
    bool post, close;
    char path[64];
    const char *body;
    size_t body_bytes, bytes; /* bytes: of the whole request */
};

enum http_parse { HTTP_PARTIAL, HTTP_COMPLETE, HTTP_UNREADABLE };

/* The value of a header, lower-case name with its colon, or NULL. */
static inline const char *http_header(const char *head, const char *end, const char *name) {
    size_t length = strlen(name);
    for (const char *line = head; line < end;) {
        if ((size_t)(end - line) > length && !strncasecmp(line, name, length)) {
            line += length;
            while (line < end && (*line == ' ' || *line == '\t')) line++;
            return line;
        }
        line = memchr(line, '\n', (size_t)(end - line));
        if (!line) return NULL;
        line++;
    }
    return NULL;
}

static inline enum http_parse http_parse(const char *data, size_t bytes,
                                         struct http_request *request) {
    const char *end = memmem(data, bytes, "\r\n\r\n", 4);
    if (!end) return bytes > 65536 ? HTTP_UNREADABLE : HTTP_PARTIAL;
    end += 2;
    if (http_header(data, end, "transfer-encoding:")) return HTTP_UNREADABLE;
    const char *length = http_header(data, end, "content-length:");
    const char *connection = http_header(data, end, "connection:");
    const char *path = memchr(data, ' ', (size_t)(end - data));
    if (!path) return HTTP_UNREADABLE;
    path++;
    size_t path_bytes = strcspn(path, " ?\r");
    if (path_bytes >= sizeof request->path) return HTTP_UNREADABLE;
    memcpy(request->path, path, path_bytes);
    request->path[path_bytes] = '\0';
    request->post = !strncmp(data, "POST ", 5);
    request->close = connection && !strncasecmp(connection, "close", 5);
    request->body = end + 2;
    request->body_bytes = length ? strtoul(length, NULL, 10) : 0;
    request->bytes = (size_t)(request->body - data) + request->body_bytes;
    return bytes < request->bytes ? HTTP_PARTIAL : HTTP_COMPLETE;
}

/* Whether the JSON body says `name`: true (name with its quotes). A search, not a parser: enough
 * for the requests of a benchmark. */
static inline bool http_body_asks(const struct http_request *request, const char *name) {
    const char *end = request->body + request->body_bytes;
    const char *at = memmem(request->body, request->body_bytes, name, strlen(name));
    if (!at) return false;
    at += strlen(name);
    while (at < end && (isspace((unsigned char)*at) || *at == ':')) at++;
    return end - at >= 4 && !memcmp(at, "true", 4);
}
