"""The parameters of text methods: those of the platform's Gemini guide and of its method pages together."""

from __future__ import annotations

from typing import Final

from shared.catalog.aigenway_parameters import Parameter

MOST_OUTPUT_TOKENS: Final = 8192
MOST_TEXTS: Final = 100
NATIVE_DIMENSIONS: Final = 768
_MOST_CHARACTERS: Final = 500_000

TEXT_GENERATION: Final = (
    Parameter(
        name="prompt",
        type="string",
        description="What to answer; messages win over it",
        least=1,
        most=_MOST_CHARACTERS,
    ),
    Parameter(
        name="messages",
        type="array",
        description="The conversation: objects with a role (system, user, assistant, tool) and content",
        least=1,
        most=1000,
    ),
    Parameter(
        name="system_instruction",
        type="string|object",
        description="Stands before everything else; also in Gemini's form with parts",
        most=_MOST_CHARACTERS,
    ),
    Parameter(name="temperature", type="number", description="Default 1.0", least=0, most=2),
    Parameter(name="top_p", type="number", description="Nucleus sampling", least=0, most=1),
    Parameter(name="top_k", type="integer", description="Sampling among so many", least=1, most=1000),
    Parameter(
        name="max_output_tokens",
        type="integer",
        description="The longest answer, thoughts included",
        default=MOST_OUTPUT_TOKENS,
        least=1,
        most=MOST_OUTPUT_TOKENS,
    ),
    Parameter(name="stop_sequences", type="array", description="Texts that end the answer", most=5),
    Parameter(
        name="response_mime_type",
        type="string",
        description="What the answer is",
        allowed=("text/plain", "application/json"),
    ),
    Parameter(
        name="response_schema",
        type="object",
        description="JSON Schema or Gemini's subset of OpenAPI for a JSON answer; no $ref to elsewhere",
    ),
    Parameter(
        name="response_format",
        type="object",
        description="OpenAI's form: type text, json_object or json_schema; response_schema wins",
    ),
    Parameter(
        name="tools",
        type="array",
        description="Functions, as Gemini's function_declarations or as OpenAI's tools",
        most=128,
    ),
    Parameter(
        name="tool_choice",
        type="string|object",
        description="auto, none, required, or one function",
        most=20,
    ),
)

EMBEDDING: Final = (
    Parameter(
        name="inputs",
        type="array|string",
        description="The texts, at most 100; it wins over input",
        least=1,
        most=_MOST_CHARACTERS,
    ),
    Parameter(
        name="input",
        type="array|string",
        description="The same under its other name",
        least=1,
        most=_MOST_CHARACTERS,
    ),
    Parameter(
        name="task_type",
        type="string",
        description="What the vectors are for",
        allowed=(
            "RETRIEVAL_QUERY",
            "RETRIEVAL_DOCUMENT",
            "SEMANTIC_SIMILARITY",
            "CLASSIFICATION",
            "CLUSTERING",
            "QUESTION_ANSWERING",
            "FACT_VERIFICATION",
            "CODE_RETRIEVAL_QUERY",
        ),
    ),
    Parameter(
        name="title",
        type="string",
        description="Of the document; only with task_type RETRIEVAL_DOCUMENT",
        most=1000,
    ),
    Parameter(
        name="output_dimensionality",
        type="integer",
        description="Length of the vectors",
        default=NATIVE_DIMENSIONS,
        least=1,
        most=NATIVE_DIMENSIONS,
    ),
)
