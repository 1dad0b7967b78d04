"""The training pipeline of spark-nano, a small Python completion model.

Knows nothing of the engine or the app: it turns Python packages into a folder of weights,
``weights/spark-nano``, in the layout of Hugging Face's ``LlamaForCausalLM``.
"""
