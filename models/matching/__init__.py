"""Motion matching, the baseline that the recurrent performer is measured against."""
