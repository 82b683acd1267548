/*
 * FlinkSql - runs a file of SQL statements, apart by ";" at the end of a line, in Flink's own mini cluster:
 *
 *     java -cp 'FLINK/*' FlinkSql.java FILE
 *
 * Each row that a SELECT ends up with is printed: a changelog is applied, so that what is printed is the
 * state at the end of bounded sources.  Columns are apart by tabs, NULL is \N, rows are sorted.
 */
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;
import org.apache.flink.util.CloseableIterator;

public class FlinkSql {
    public static void main(String[] arguments) throws Exception {
        Configuration configuration = new Configuration();
        configuration.setString("parallelism.default", "1");
        configuration.setString("restart-strategy.type", "none");
        configuration.setString("table.local-time-zone", "UTC");
        TableEnvironment tables = TableEnvironment.create(
            EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(configuration).build());
        for (String statement : Files.readString(Path.of(arguments[0])).split(";\\s*\n")) {
            TableResult result = tables.executeSql(statement);
            if (statement.stripLeading().toUpperCase().startsWith("SELECT")) {
                print(result);
            }
        }
        System.exit(0); // the mini cluster's threads would stay
    }

    private static void print(TableResult result) throws Exception {
        Map<String, Integer> state = new TreeMap<>();

        try (CloseableIterator<Row> rows = result.collect()) {
            while (rows.hasNext()) {
                Row row = rows.next();
                boolean added = row.getKind() == RowKind.INSERT || row.getKind() == RowKind.UPDATE_AFTER;
                state.merge(text(row), added ? 1 : -1, Integer::sum);
            }
        }
        state.forEach((text, count) -> {
            for (int i = 0; i < count; i++) {
                System.out.println(text);
            }
            if (count < 0) {
                System.out.println("taken back more often than given: " + text);
            }
        });
    }

    private static String text(Row row) {
        StringBuilder out = new StringBuilder();

        for (int i = 0; i < row.getArity(); i++) {
            out.append(i == 0 ? "" : "\t").append(row.getField(i) == null ? "\\N" : row.getField(i));
        }
        return out.toString();
    }
}
