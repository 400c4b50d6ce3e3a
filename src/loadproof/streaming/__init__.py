"""One request over one socket: HTTP/1.1, SSE, the moment each token arrived. Knows no task."""
