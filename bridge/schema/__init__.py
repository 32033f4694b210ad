"""The contract of the wire: understudy.fbs, and in understudy_fb/ what flatc makes of it."""
