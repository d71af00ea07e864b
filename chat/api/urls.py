"""`/api/`: characters, chats, messages, generations."""

from django.urls import path

from chat.api.characters import CharactersView, CharacterView
from chat.api.chats import ChatsView, ChatView
from chat.api.generations import generate, generation_events, generation_state, generation_stop
from chat.api.messages import MessagesView

urlpatterns = [
    path("characters", CharactersView.as_view(), name="api-characters"),
    path("characters/<uuid:character_id>", CharacterView.as_view(), name="api-character"),
    path("chats", ChatsView.as_view(), name="api-chats"),
    path("chats/<uuid:chat_id>", ChatView.as_view(), name="api-chat"),
    path("chats/<uuid:chat_id>/messages", MessagesView.as_view(), name="api-messages"),
    path("chats/<uuid:chat_id>/generate", generate, name="api-generate"),
    path("generations/<uuid:generation_id>", generation_state, name="api-generation"),
    path(
        "generations/<uuid:generation_id>/events", generation_events, name="api-generation-events"
    ),
    path("generations/<uuid:generation_id>/stop", generation_stop, name="api-generation-stop"),
]
