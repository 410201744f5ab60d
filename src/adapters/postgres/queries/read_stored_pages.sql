select number, layout as "layout: Json<PageLayout>"
from pages
where document_id = $1 and version = $2 and number >= $3
order by number
limit $4
