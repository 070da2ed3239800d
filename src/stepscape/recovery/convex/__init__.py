"""min N(Z) + h(Z), for a norm N and a constraint h: splitting, crossover to machine precision, proofs."""
