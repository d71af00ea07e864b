"""Lists by page number."""

from __future__ import annotations

from rest_framework.pagination import PageNumberPagination


class PageNumber(PageNumberPagination):
    """`{count, next, previous, results}`; a page that does not exist is a 404."""

    page_size = 24
    page_size_query_param = "page_size"
    max_page_size = 100
