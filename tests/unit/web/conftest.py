"""What holds for the tests of the web."""

import asyncio

# Before 3.12 get_event_loop makes a loop where none was ever set; pytest-asyncio asks for one at its first test and
# forgets it, and the warning that it was not closed then fails whichever test the garbage collector runs in.
asyncio.set_event_loop(None)
