"""Who computes when: sequences of several replies share the model."""
