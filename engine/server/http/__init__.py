"""The engine for other programs over HTTP: the requests of llama.cpp, OpenAI and Ollama.

A process of its own, a client of the engine process like the app.  `guard` decides who may ask,
`llama_api`, `openai_api` and `ollama_api` are the three languages, `writing` gets the text for all
of them, `metrics` counts, `web_app` joins them and `listening` serves.  Computes nothing.
"""
