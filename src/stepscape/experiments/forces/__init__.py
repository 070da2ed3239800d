"""What else acts on training: initialization, decay, momentum, truths, noise and penalties."""
