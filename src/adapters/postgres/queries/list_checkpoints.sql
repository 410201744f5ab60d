select size as "size!", root as "root!", note as "note!"
from audit.signed_checkpoint
where size > $1 and size <= $2
order by size
limit $3
