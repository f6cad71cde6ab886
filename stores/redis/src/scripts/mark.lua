-- In an owner's slot: the first step of a revocation in a cluster. Key: revocation.
-- Arguments: 1 moment, 2 lifetime of the revocation. What is listed from then on began later.
remember(KEYS[1], ARGV[1], ARGV[2])
return 1
