"""Structured logs: one line per event, readable in development, JSON in production."""

import logging.config
import re

import structlog

# The links of our mails: whoever reads the log must not be able to follow them. As `next` of a
# link they are quoted, and as `next` of that once more.
_SLASH = r"(?:/|\\/|%(?:25)*2F)"
_PATHS = ("confirm-email", f"email{_SLASH}restore", f"password{_SLASH}reset{_SLASH}key")
_KEY = r"""(?:[^/%\\\s"'?]|%(?:25)*3A)+"""  # its parts are separated by colons
KEYS = re.compile(f"(accounts{_SLASH}(?:{'|'.join(_PATHS)}){_SLASH}){_KEY}", re.IGNORECASE)


def without_keys(
    logger: structlog.typing.WrappedLogger, name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """The event without the keys of links, whoever logs it and in whatever value they stand."""
    for field, value in event.items():
        if field != "exc_info":  # a traceback for the terminal of a developer
            event[field] = _masked(value)
    return event


def _masked(value: object) -> object:
    """Also inside of lists, dicts and objects, as the renderer will write them."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, dict):
        return {key: _masked(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_masked(inner) for inner in value]
    written = value if isinstance(value, str) else repr(value)
    masked = KEYS.sub(r"\1[masked]", written)
    return masked if masked != written else value


def logging_config(*, debug: bool) -> None:
    """Set up structlog and the standard library's loggers to write the same lines to stderr."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer = structlog.dev.ConsoleRenderer() if debug else structlog.processors.JSONRenderer()
    tail: list[structlog.typing.Processor] = [] if debug else [structlog.processors.format_exc_info]
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        *tail,
                        without_keys,
                        renderer,
                    ],
                    "foreign_pre_chain": shared,
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": "INFO"},
            "loggers": {
                "daphne": {"level": "WARNING"},
            },
        }
    )
    structlog.configure(
        processors=[
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
