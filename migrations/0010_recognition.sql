-- Pages that are pictures are recognised in a stage of its own, which takes seconds a page.
alter table jobs drop constraint jobs_stage_check;
alter table jobs add constraint jobs_stage_check
    check (stage in ('queued', 'read', 'recognise', 'chunk', 'embed', 'index', 'done'));
