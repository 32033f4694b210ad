"""The `understudy` command, one file a sub-command.

A sub-command's module has SUMMARY (one line), EXAMPLES (lines for --help), `arguments(parser)` and
`run(args) -> int`. Heavy imports belong inside `run`, so that --help is instant.
"""
