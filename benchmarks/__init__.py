"""The tool's own speed and error: client paths measured on a server whose truth is known."""
