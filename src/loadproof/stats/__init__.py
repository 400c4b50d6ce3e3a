"""Pure functions on numbers and arrays: intervals, quantiles, sample sizes. No I/O, no clock."""
