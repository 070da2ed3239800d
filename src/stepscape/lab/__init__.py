"""The lab: specs with an identity, a store that survives, executors, sweeps that resume."""
