-- In an owner's slot: a page of an index. Key: index. Arguments: 1 and 2 the place, 3 how many.
-- Answers with each member and when it was listed.
return page(KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]))
