/* One event of a streamed chat completion as vLLM writes it, framed as an HTTP chunk of its own. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define CHUNK_LIMIT 2048 /* bytes of a framed event without its padding */

struct completion {
    unsigned long id, prompt_tokens;
    long sent_tokens;
    bool usage, continuous_usage; /* as the request asked */
};

/* Writes the event to `at` and returns its bytes. `choices` is the JSON within choices' brackets,
 * `tail` further top-level fields from their comma on. Usage rides on it where asked, always where
 * there are no choices. The padding is blanks before the last brace: JSON allows them and no
 * client keeps them. */
static inline size_t completion_chunk(char *at, const struct completion *completion,
                                      const char *choices, const char *tail,
                                      size_t padding_bytes) {
    char body[CHUNK_LIMIT - 64], usage[160] = "";
    if (completion->continuous_usage || !*choices)
        snprintf(usage, sizeof usage,
                 ",\"usage\":{\"prompt_tokens\":%lu,\"total_tokens\":%lu,"
                 "\"completion_tokens\":%ld}",
                 completion->prompt_tokens,
                 completion->prompt_tokens + (unsigned long)completion->sent_tokens,
                 completion->sent_tokens);
    int bytes = snprintf(body, sizeof body,
                         "data: {\"id\":\"chatcmpl-%016lx\",\"object\":\"chat.completion.chunk\","
                         "\"created\":1700000000,\"model\":\"truth\",\"choices\":[%s]%s%s",
                         completion->id, choices, usage, tail);
    int head = sprintf(at, "%zx\r\n", (size_t)bytes + padding_bytes + 3);
    memcpy(at + head, body, (size_t)bytes);
    memset(at + head + bytes, ' ', padding_bytes);
    char *end = at + head + bytes + padding_bytes;
    memcpy(end, "}\n\n\r\n", 5);
    return (size_t)(end + 5 - at);
}

/* The event before the first token: a role and no text. */
static inline size_t completion_role(char *at, const struct completion *completion) {
    return completion_chunk(at, completion,
                            "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
                            "\"logprobs\":null,\"finish_reason\":null}",
                            "", 0);
}

/* The token that was sent last; read_ns is told with the first one alone. */
static inline size_t completion_token(char *at, const struct completion *completion,
                                      int64_t read_ns, int64_t sent_ns, bool last,
                                      size_t padding_bytes) {
    char choices[256], tail[96], text[48];
    if (completion->sent_tokens == 1) {
        snprintf(text, sizeof text, "%ld:%ld", (long)read_ns, (long)sent_ns);
        snprintf(tail, sizeof tail, ",\"read_ns\":%ld,\"sent_ns\":%ld", (long)read_ns,
                 (long)sent_ns);
    } else {
        snprintf(text, sizeof text, " %ld", (long)sent_ns);
        snprintf(tail, sizeof tail, ",\"sent_ns\":%ld", (long)sent_ns);
    }
    snprintf(choices, sizeof choices,
             "{\"index\":0,\"delta\":{\"content\":\"%s\"},\"logprobs\":null,\"finish_reason\":%s,"
             "\"token_ids\":null}",
             text, last ? "\"length\"" : "null");
    return completion_chunk(at, completion, choices, tail, padding_bytes);
}
