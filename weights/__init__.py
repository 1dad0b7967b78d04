"""The bundled models: data, not code."""
