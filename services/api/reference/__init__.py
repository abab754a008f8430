"""The dialects described as data, and what is made from it: OpenAPI documents, a page, texts for models."""
