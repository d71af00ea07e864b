"""The pages of characters and chats."""

from django.urls import path

from chat.views.characters import character, discover
from chat.views.chat import chat_page
from chat.views.chats import chats
from chat.views.home import home
from chat.views.options import delete, rename
from chat.views.start import start_chat

urlpatterns = [
    path("", home, name="home"),
    path("characters/", discover, name="discover"),
    path("characters/<uuid:pk>/", character, name="character"),
    path("characters/<uuid:pk>/start/", start_chat, name="start-chat"),
    path("chats/", chats, name="chats"),
    path("chats/<uuid:pk>/", chat_page, name="chat"),
    path("chats/<uuid:pk>/rename/", rename, name="rename-chat"),
    path("chats/<uuid:pk>/delete/", delete, name="delete-chat"),
]
