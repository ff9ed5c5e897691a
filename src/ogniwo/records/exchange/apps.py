"""The Django app of what programs exchange with us."""

from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    """Answered requests and webhooks."""

    name = "ogniwo.records.exchange"
    label = "exchange"
