"""Response times as Locust's own tables keep them."""

import math


def three_digits(response_time: float) -> int | float:
    """A response time in milliseconds, rounded to three significant digits: 104.9 as 105, 1234.5
    as 1230, 3.14159 as 3.14.

    Takes the place of `locust.stats.bucket_response_time`, which keeps whole milliseconds and two
    digits. That is 900 different values for each power of ten, so that the tables stay small.
    """
    if response_time <= 0:
        return 0
    decimals = 2 - math.floor(math.log10(response_time))
    rounded = round(response_time, decimals)
    return int(rounded) if decimals <= 0 else rounded
