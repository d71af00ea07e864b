"""Lists by page number."""

from __future__ import annotations

from rest_framework.pagination import PageNumberPagination
from rest_framework.views import APIView

from intellispark.api.openapi import Schema


class PageNumber(PageNumberPagination):
    """`{count, next, previous, results}`; a page that does not exist is a 404."""

    page_size = 24
    page_size_query_param = "page_size"
    max_page_size = 100

    def get_schema_operation_parameters(self, view: APIView) -> list[Schema]:
        """The two parameters with their limits, which Django REST framework leaves out."""
        page, size = super().get_schema_operation_parameters(view)
        page["schema"] = {"type": "integer", "minimum": 1, "default": 1}
        size["schema"] = {"type": "integer", "default": self.page_size}
        size["description"] = f"At most {self.max_page_size} are given."
        return [page, size]
