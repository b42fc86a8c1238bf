"""What is no HTTP that can be read, refused in words of ours: the library repeats what was sent, a child's data too."""

from typing import Any, Final

from aiohttp import web, web_protocol

from hub.web.problems import problem

NOT_READ: Final = (
    "The request is not HTTP as this hub reads it, and nothing of it was looked at: the sending system, or what stands "
    "between, has to write it otherwise."
)
FAILED: Final = "Nothing is known to have been stored: send the same again."


class Handler(web_protocol.RequestHandler):
    """The protocol of a connection."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """As the library does it, but for the words of what could not be read. Raises ConnectionError where an answer
        has begun."""
        self.logger.error("a request failed: %s", type(exc).__name__, exc_info=exc if status >= 500 else None)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun")
        answer = problem(status, NOT_READ if status < 500 else FAILED)
        answer.force_close()
        return answer


def answering_for_itself(handler: Any) -> Any:
    """A protocol that the library made, which has no place to say of which class."""
    handler.__class__ = Handler
    return handler
