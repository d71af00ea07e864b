"""Structured logs: one line per event, readable in development, JSON in production."""

import logging.config
import re
from urllib.parse import unquote

import structlog

# The keys in the links of our mails, by their form, on whatever path they stand: whoever reads the
# log must not be able to follow them. Signed values (django.core.signing: text, time and signature,
# with colons between) and reset keys (the user's id, time and hash, with hyphens between).
_COLON = r"(?::|%(?:25)*3A)"
# Each begins where a word does: tried from within, too, a long word would take its length squared.
_SIGNED = rf"(?<![\w-])\.?[\w-]+{_COLON}[0-9A-Za-z]{{4,}}{_COLON}[\w-]{{27,}}"
_RESET = r"(?<![0-9A-Za-z])[0-9A-Za-z]+-[0-9a-z]{4,}-[0-9a-f]{32,}"
KEYS = re.compile(f"{_SIGNED}|{_RESET}", re.IGNORECASE)
MOST_QUOTED = 9  # times: a link as `next` of a link as `next` …


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
    masked = KEYS.sub("[masked]", written)
    plain = masked
    for _ in range(MOST_QUOTED):
        quoted, plain = plain, unquote(plain)
        if plain == quoted:
            break
        if KEYS.search(plain):  # then it is logged as it reads without the quotes
            masked = plain = KEYS.sub("[masked]", plain)
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
