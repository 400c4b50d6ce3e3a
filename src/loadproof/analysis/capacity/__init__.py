"""The search for the highest load at which all objectives hold. Pure: what is known comes in.

`policy` says which level is visited next, `belief` where the capacity may lie, `visit` what a visit
has said so far and when it may end, `answer` what a finished or broken-off search amounts to.
"""
