"""A stand-in for a language model on a GPU: no model, only its pace. See README.md."""
