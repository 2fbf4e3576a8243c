"""The release loop: versions and their lineage, the gate, comparison, what is live, and the way back."""
