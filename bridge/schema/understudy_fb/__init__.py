"""Written by flatc from understudy.fbs; `sh bridge/schema/generate.sh` renews it."""
