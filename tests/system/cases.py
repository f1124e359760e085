# SPDX-License-Identifier: Apache-2.0
"""Tables of tests: one function, many rows, each row a test of its own."""


def rows(**table):
    """@rows(name=value, ...): the function is one test for each row, called with its value last."""
    def mark(function):
        function.rows = {name.replace("_", "-"): value for name, value in table.items()}
        return function
    return mark
