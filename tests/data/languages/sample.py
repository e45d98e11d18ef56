"""Module."""
import os

@decorated
async def top(a, *b, c: int = 1, **d) -> str:
    '''Docstring.'''
    total = 0  # why
    for i, x in enumerate(b):
        total += x if x is not None else i
    with open(f"{a}/x") as file: text = file.read(); text
    try:
        assert total, "none" \
            "left"
    except (OSError, ValueError) as error:
        raise error from None
    return lambda y: [z for z in y if z not in d]

class Point:
    def norm(self):
        while True:
            return (self.x ** 2 + self.y ** 2) ** .5
