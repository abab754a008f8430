"""Chats and embeddings, which are answered in the request: the api is router and worker itself."""
