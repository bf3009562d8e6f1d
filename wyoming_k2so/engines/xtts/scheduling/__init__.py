"""Who computes when: the sequences of several replies share one model. Knows nothing of files, voices or sockets."""
