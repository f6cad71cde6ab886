-- In an owner's slot: the first step of a revocation in a cluster. Keys: revocation, index.
-- Arguments: 1 moment, 2 lifetime of the revocation. Answers with the members of the index.
remember(KEYS[1], ARGV[1], ARGV[2])
return call('ZRANGE', KEYS[2], 0, -1)
