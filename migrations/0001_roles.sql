-- The service's own role. Every pooled connection runs `set role docent_app`, so that what it may not do is refused
-- by grants even when the login owns the database. A role belongs to the whole cluster: another database of it may
-- have made the role already, or may be making it now.
do $$
begin
    if not exists (select from pg_roles where rolname = 'docent_app') then
        create role docent_app nologin;
    end if;
exception
    when duplicate_object or unique_violation then null;
end
$$;

-- Who made the role may still lack the right to act as it (Postgres 16), so the grant is always tried. An administrator
-- who made it beforehand has granted it too.
do $$
begin
    if not (select rolsuper from pg_roles where rolname = current_user) then
        execute format('grant docent_app to %I', current_user);
    end if;
exception
    when insufficient_privilege then
        if not pg_has_role(current_user, 'docent_app', 'member') then
            raise;
        end if;
end
$$;

-- The service asks at start whether the database is migrated far enough.
do $$
begin
    if to_regclass('_sqlx_migrations') is not null then
        grant select on _sqlx_migrations to docent_app;
    end if;
end
$$;
