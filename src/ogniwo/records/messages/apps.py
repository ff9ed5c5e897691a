"""The Django app of messages."""

from django.apps import AppConfig


class MessagesConfig(AppConfig):
    """Messages and declared readings; Django's own app of flash messages has the plain label."""

    name = "ogniwo.records.messages"
    label = "member_messages"
