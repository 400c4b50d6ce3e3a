/* TLS on a socket that does not block, in terms of send and recv: -1 with EAGAIN where the socket
 * would block, 0 at the end. The handshake happens within the first reads. A program without
 * WITH_TLS knows plain sockets alone, and needs no OpenSSL. */
#pragma once
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#ifdef WITH_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
typedef SSL secure;
static SSL_CTX *secure_settings;

/* Takes the key and the certificates from a file in PEM; ends the program where it cannot. */
static inline void secure_with(const char *path) {
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    secure_settings = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_mode(secure_settings,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (SSL_CTX_use_certificate_chain_file(secure_settings, path) != 1 ||
        SSL_CTX_use_PrivateKey_file(secure_settings, path, SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
        exit(1);
    }
}

/* NULL where the server was told of no certificate. */
static inline secure *secure_accepted(int fd) {
    if (!secure_settings) return NULL;
    SSL *tls = SSL_new(secure_settings);
    if (!tls || !SSL_set_fd(tls, fd)) abort();
    SSL_set_accept_state(tls);
    return tls;
}

static inline ssize_t secure_result(SSL *tls, int done) {
    if (done > 0) return done;
    int error = SSL_get_error(tls, done);
    ERR_clear_error();
    if (error == SSL_ERROR_ZERO_RETURN) return 0;
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
    return -1;
}

static inline ssize_t secure_send(secure *tls, int fd, const void *data, size_t bytes) {
    if (!tls) return send(fd, data, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    return secure_result(tls, SSL_write(tls, data, (int)bytes));
}

static inline ssize_t secure_receive(secure *tls, int fd, void *data, size_t bytes) {
    if (!tls) return recv(fd, data, bytes, MSG_DONTWAIT);
    return secure_result(tls, SSL_read(tls, data, (int)bytes));
}

/* Whether decrypted bytes are waiting, of which the socket's epoll knows nothing. */
static inline bool secure_pending(secure *tls) { return tls && SSL_pending(tls) > 0; }

static inline void secure_close(secure *tls) { SSL_free(tls); }
#else
typedef void secure;

static inline void secure_with(const char *path) {
    (void)path;
    fprintf(stderr, "--certificate: this program was compiled without TLS\n");
    exit(2);
}

static inline secure *secure_accepted(int fd) {
    (void)fd;
    return NULL;
}

static inline ssize_t secure_send(secure *tls, int fd, const void *data, size_t bytes) {
    (void)tls;
    return send(fd, data, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static inline ssize_t secure_receive(secure *tls, int fd, void *data, size_t bytes) {
    (void)tls;
    return recv(fd, data, bytes, MSG_DONTWAIT);
}

static inline bool secure_pending(secure *tls) { return (void)tls, false; }
static inline void secure_close(secure *tls) { (void)tls; }
#endif
