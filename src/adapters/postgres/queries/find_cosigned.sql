select size as "size!", root as "root!", note as "note!"
from audit.signed_checkpoint
where size = (select max(size) from audit.cosignature where size > $1)
