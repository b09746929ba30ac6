"""Frames and messages between the keeper and the engine's processes (standard library only)."""

from .frames import FrameDecoder, FrameError, Message, encode

__all__ = ["FrameDecoder", "FrameError", "Message", "encode"]
