"""Text with known facts, in English and Vietnamese: see README.md beside this file."""

from training.corpus.document import Document, Turn
from training.corpus.generate import document, documents
from training.corpus.sentences import sentences

__all__ = ["Document", "Turn", "document", "documents", "sentences"]
